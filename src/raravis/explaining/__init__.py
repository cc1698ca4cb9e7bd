"""What a trained network answers to, one file a way of showing it: a network and pixels enter, figures leave.

`layers` opens the network, nested ones too; `filters`, `maps` and `activating` each show one thing; `report` words it.
"""
