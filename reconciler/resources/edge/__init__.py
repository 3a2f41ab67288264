"""What faces clients: Hosts, Listeners, TCPMappings, TLSContexts."""
