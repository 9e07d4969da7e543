"""What every service needs to run: settings, logs, the admin server, start and stop."""
