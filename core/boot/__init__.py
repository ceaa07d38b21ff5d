"""What machines boot from, as plain data: matchbox profiles and dnsmasq's configuration."""
