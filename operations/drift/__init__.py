"""What machines run compared with what is declared, by document and field. No output has a secret in it."""
