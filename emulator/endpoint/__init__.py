"""The AWS endpoint: one HTTP front before our engines and moto."""
