"""The same job as other tools do it; each module runs alone and prints one JSON object.

In: a folder of the cache (`by_truck.parquet`) and the numbers of the trucks. Out: seconds, the
kilometres of every truck, and the stops found, written as Parquet. They import nothing of ours.
"""
