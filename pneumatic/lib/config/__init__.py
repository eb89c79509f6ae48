"""What the settings are made of: read from the environment, strictly, and shown with care."""
