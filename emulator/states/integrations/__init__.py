"""What Task states call: optimised integrations, AWS SDK integrations, functions by their ARN."""
