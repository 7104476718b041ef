"""What the commands of the command line do, each loading what it needs when it is called."""
