namespace Uwsgi.AspNetCore;

/// <summary>The time limit of one request.</summary>
/// <remarks>
/// Get it with <c>HttpContext.Features.Get&lt;IHarakiriFeature&gt;()</c>; it is <see langword="null"/> where neither a time limit nor another feature that
/// watches requests is configured.
/// </remarks>
public interface IHarakiriFeature
{
    /// <summary>Gets or sets how long the request may take, counted from its beginning.</summary>
    /// <value>
    /// More than zero; <see langword="null"/> for no limit. It starts with the endpoint's, the mount's or the general time, whichever comes first in
    /// this order. A value that is set here counts, whatever endpoint is chosen later.
    /// </value>
    TimeSpan? Timeout { get; set; }

    /// <summary>Gets how long the request has been running.</summary>
    TimeSpan Elapsed { get; }
}
