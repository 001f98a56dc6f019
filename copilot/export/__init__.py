"""From a library to a training set: clean text, pairs with proof, splits that do not leak, a card.

`copilot.export.run` is the way in; the types are in `copilot.dataset`.
"""
