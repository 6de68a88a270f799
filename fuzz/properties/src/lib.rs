//! What the fuzz targets check, as plain functions that ordinary tests call too.
