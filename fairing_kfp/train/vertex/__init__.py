"""Training steps on Vertex AI, the managed service that replaced the AI Platform of Kubeflow Fairing."""
