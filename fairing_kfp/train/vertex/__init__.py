"""Training on Vertex AI, Google's managed service: what Fairing did by AI Platform's jobs."""
