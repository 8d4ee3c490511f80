"""Train steps: a component's code runs as a job of Kubernetes, and the step follows it to its end."""
