"""Many counties on a cluster: each as `gengbao all` takes it, its stages a graph of Dask tasks.

Counties share nothing but the folder their products go to; a coverage doesn't cross the county
line, so no data moves between workers but file names, hashes and accounts.
"""

from pipeline.province.cluster import Cluster
from pipeline.province.run import COUNTIES, CountyRun
from pipeline.province.whole import Wanted, as_text, run_province

__all__ = ["COUNTIES", "Cluster", "CountyRun", "Wanted", "as_text", "run_province"]
