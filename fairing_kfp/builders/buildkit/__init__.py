"""BuildKit in a Job: images of Dockerfiles, without root."""
