"""The four families of links; one module finds one family."""
