"""Moving code from Kubeflow Fairing: its imports become those of `fairing_kfp.classic`, and its calls are listed."""
