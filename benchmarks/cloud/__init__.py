"""Networks in object storage, on this machine: a service, a bad way to it, and writers and readers that are killed."""
