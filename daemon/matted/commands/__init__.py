"""What each subcommand of `matted` does; one file per subcommand, imported only when it runs."""
