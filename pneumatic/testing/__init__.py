"""What tests share: real services, pytest fixtures, socket helpers, factories."""
