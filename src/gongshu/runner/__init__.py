"""Running the platform: the `gongshu` command, the supervisor, the embedded database, the job queue."""
