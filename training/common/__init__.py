"""What every command uses: errors for people, whole-or-absent files, pictures, the command line."""
