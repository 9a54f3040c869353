"""The Lambda service: functions in sandboxes of their own."""
