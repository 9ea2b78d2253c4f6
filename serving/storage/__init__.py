"""What a store's folder holds, table by table and file by file."""
