"""The production server: Uvicorn in processes that drain when they are told to stop."""
