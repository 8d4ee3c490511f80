"""One module for each reusable component: its declaration, and the function that its step runs."""
