"""Training steps: a step runs a component's code as a job on Kubernetes, and follows the job until it finishes."""
