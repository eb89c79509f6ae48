"""The password of everybody in these tests."""

PASSWORD = "seven green lanterns"
