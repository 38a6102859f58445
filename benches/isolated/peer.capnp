# What the Cap'n Proto server of the bench answers to.
@0xc1f4a97c1b0c7a35;

using Cxx = import "/capnp/c++.capnp";
$Cxx.namespace("bench::wire");

interface Peer {
  call @0 (work :UInt32, data :Data) -> (data :Data);
  # Until it is canceled.
  sleep @1 () -> ();
}
