"""What a trained network answers to, one file a way of showing it: a network and pixels enter, figures leave.

`why` tells what an identification rests on: `attribution` where in the photograph, `sanity` whether that is to be
trusted, `nearest` which training photographs are alike; `evidence` draws it. `layers` and `cut` open the network,
nested ones too, `gradients` asks the backend; `filters`, `maps` and `activating` each show one thing of its layers;
`report` words it all.
"""
