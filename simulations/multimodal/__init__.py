"""Training runs of whole multimodal models: data sets, encoders, fusion, methods and the loop around them.

Each modality has an encoder, the features are concatenated, and one linear head gives the logits. A method
decides what happens to the gradient between `backward()` and `step()`; everything else (split, standardisation,
initial weights, order of the batches) is the same for all methods of a seed, so that methods are compared in pairs.
"""
