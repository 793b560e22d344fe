"""What stands behind `wb.cluster`: engines, the watch over them, the record and the quota of each person.

Runs in: anywhere
"""
