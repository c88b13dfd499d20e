"""The words of the field and the rules between them: no I/O, no clock, no chance."""
