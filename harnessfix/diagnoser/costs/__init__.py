"""What runs spend: prompts that a provider could have kept, and memory that is written and read."""
