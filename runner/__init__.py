"""The task runner behind `./bedplate`: only the standard library, so that it runs anywhere."""
