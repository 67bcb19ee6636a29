"""Technical ground that knows no subject: configuration, AWS clients, errors, ids, JSON."""
