# What an Envoy does first when its Pod ends: tell clients to go elsewhere, and answer them meanwhile.
# POST /healthcheck/fail has each response close its connection (HTTP/1.1) or say GOAWAY (HTTP/2), and /ready fail.
use strict;
use IO::Socket::UNIX;

my ($socket, $seconds) = @ARGV;
my $admin = IO::Socket::UNIX->new(Peer => $socket) or exit 0;    # it has ended already
print $admin "POST /healthcheck/fail HTTP/1.1\r\nhost: admin\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
1 while <$admin>;
sleep $seconds;
