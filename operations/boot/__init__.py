"""The files of the server that machines boot from."""
