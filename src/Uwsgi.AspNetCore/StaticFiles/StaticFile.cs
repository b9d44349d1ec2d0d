namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>A file that may be served.</summary>
/// <param name="Path">Where it was found, by the names of the roots and the request.</param>
/// <param name="RealPath">Where it is, without links; what was checked, and therefore what is opened.</param>
/// <param name="Root">The directory, without links, in which the file and its variants have to be.</param>
internal readonly record struct StaticFile(string Path, string RealPath, string Root);
