"""Lists that never change: routes and activation triggers."""

ROUTES = {
    "Routes": [
        {"Id": "Intelligent", "AssetTypes": ["STOCK", "STOCKOPTION"], "Name": "Intelligent"},
        {"Id": "AMEX", "AssetTypes": ["STOCK"], "Name": "AMEX"},
        {"Id": "ARCA,", "AssetTypes": ["STOCK"], "Name": "ARCX"},
        {"Id": "NYSE", "AssetTypes": ["STOCK"], "Name": "NYSE"},
        {"Id": "NSDQ", "AssetTypes": ["STOCK"], "Name": "NSDQ"},
        {"Id": "CBOE", "AssetTypes": ["STOCKOPTION"], "Name": "CBOE"},
    ]
}
"""One id has the stray comma that the published example has: ids are opaque."""

_TRIGGERS = (
    ("STT", "Single Trade Tick", "One trade tick"),
    ("STTN", "Single Trade Tick Within NBBO", "One trade tick within the best bid and offer"),
    ("SBA", "Single Bid/Ask Tick", "One ask tick for buys, one bid tick for sells,"),
    ("SAB", "Single Ask/Bid Tick", "One bid tick for buys, one ask tick for sells,"),
    ("DTT", "Double Trade Tick", "Two consecutive trade ticks"),
    ("DTTN", "Double Trade Tick Within NBBO", "Two consecutive trade ticks within the best bid and offer"),
    ("DBA", "Double Bid/Ask Tick", "Two consecutive ask ticks for buys, bid ticks for sells,"),
    ("DAB", "Double Ask/Bid Tick", "Two consecutive bid ticks for buys, ask ticks for sells,"),
    ("TTT", "Twice Trade Tick", "Two trade ticks"),
    ("TTTN", "Twice Trade Tick Within NBBO", "Two trade ticks within the best bid and offer"),
    ("TBA", "Twice Bid/Ask Tick", "Two ask ticks for buys, two bid ticks for sells,"),
    ("TAB", "Twice Ask/Bid Tick", "Two bid ticks for buys, two ask ticks for sells,"),
)
TRIGGERS = {
    "ActivationTriggers": [
        {"Key": key, "Name": name, "Description": f"{what} must print within your stop price to trigger your stop."}
        for key, name, what in _TRIGGERS
    ]
}
