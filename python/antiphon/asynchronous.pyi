from ._batch import as_dict, batch_executor

__all__ = ["as_dict", "batch_executor"]
