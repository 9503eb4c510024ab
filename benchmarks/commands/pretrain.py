"""`launchsim pretrain`: learn from behaviour alone what users look at next, for the user tower of neural policies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pretrain(
    behavior: Annotated[str | None, typer.Option(help="table of what users did: view, cart, buy, return ...")] = None,
    invoices: Annotated[str | None, typer.Option(help="invoice lines in its place, or a history")] = None,
    goods: Annotated[str | None, typer.Option(help="table of products: its rows number them")] = None,
    columns: Annotated[Path | None, typer.Option(help="TOML that says what the columns mean")] = None,
    key_file: Annotated[Path | None, typer.Option(help="file (0600) with the pseudonym key")] = None,
    embedding: Annotated[int, typer.Option(min=1, help="of an item, as in the policy that will use it")] = 16,
    memory: Annotated[int, typer.Option(min=1, help="width of the LSTM, as in the policy that will use it")] = 16,
    epochs: Annotated[int, typer.Option(min=1, help="passes over all sequences")] = 10,
    length: Annotated[int, typer.Option(min=2, help="items of a sequence, at most")] = 16,
    held: Annotated[float, typer.Option(min=0.01, max=0.5, help="share of users to judge by")] = 0.1,
    seed: Annotated[int, typer.Option(min=0, help="of first weights and minibatches")] = 0,
    tensorboard: Annotated[
        Path | None, typer.Option(help="folder for TensorBoard scalars (extra: tensorboard)")
    ] = None,
    out: Annotated[Path, typer.Option(help=".npz file to write; its loss curve and items lie beside it")] = Path(
        "reports/encoder.npz"
    ),
) -> None:
    """Predict each next item of users' behaviour, save the encoder, and say what it is worth beside popularity.

    Example: launchsim pretrain --behavior behavior.csv --goods goods.csv --out reports/encoder.npz
    """
    from rich.console import Console

    from benchmarks.pages import pretraining_page
    from benchmarks.planning.sequences import held_out, sequences
    from envs.history import History
    from policies.networks.pretraining import judged, judged_by_popularity, trained

    scalars = pretraining_page.scalars(tensorboard) if tensorboard is not None else None
    history = History.read(goods=goods, behavior=behavior, invoices=invoices, columns=columns, key_file=key_file)
    rows, users = sequences(history, length)
    apart = held_out(users, held)
    with Console(stderr=True).status(f"learning from {int((~apart).sum()):,} sequences ..."):
        encoder, model = trained(
            rows[~apart], len(history.goods), embedding=embedding, memory=memory, epochs=epochs, seed=seed
        )
        mine = judged(model, rows[apart]) if apart.any() else None
        plain = judged_by_popularity(rows[~apart], len(history.goods), rows[apart]) if apart.any() else None
    out.parent.mkdir(parents=True, exist_ok=True)
    encoder.save(out)
    history.goods[["id", "title"]].to_csv(out.with_suffix(".items.csv"), index_label="number")
    pretraining_page.write(out, encoder.losses, mine, plain)
    if scalars is not None:
        scalars(encoder.losses, mine)
    if mine is not None and plain is not None:
        typer.echo(pretraining_page.told(mine, plain, users[apart]))
    typer.echo(f"\n{out}")
