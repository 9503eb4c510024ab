"""Who does the work: this process, several of this machine, or a cluster; never what the work is."""
