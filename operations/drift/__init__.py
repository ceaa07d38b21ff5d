"""What machines run, against what is declared: compared by document and field, with no secret in what is said."""
