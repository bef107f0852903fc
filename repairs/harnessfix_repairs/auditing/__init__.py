"""What two versions of a file differ in, by symbol of a program and key of a configuration."""
