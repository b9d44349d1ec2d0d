using System.Runtime.InteropServices;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.StaticFiles;

/// <summary>What a client's Accept-Encoding says about the two codings files are kept in (RFC 9110 section 12.5.3).</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly struct AcceptedEncodings
{
    private readonly double _brotli;
    private readonly double _gzip;

    private AcceptedEncodings(double brotli, double gzip)
    {
        _brotli = brotli;
        _gzip = gzip;
    }

    /// <summary>Gets whether Brotli may be sent, and rather than the file as it is.</summary>
    public bool Brotli => _brotli > 0;

    /// <summary>Gets whether gzip may be sent, and rather than the file as it is.</summary>
    public bool Gzip => _gzip > 0;

    /// <summary>Gets whether gzip is asked for more than Brotli; of two that are equal the smaller one is sent.</summary>
    public bool PrefersGzip => _gzip > _brotli;

    public static AcceptedEncodings Parse(StringValues header)
    {
        if (header.Count == 0 || !StringWithQualityHeaderValue.TryParseList(header, out var values))
        {
            return default;
        }

        double? brotli = null, gzip = null, identity = null, others = null;
        foreach (var value in values)
        {
            var quality = value.Quality ?? 1;
            if (value.Value.Equals("br", StringComparison.OrdinalIgnoreCase))
            {
                brotli = quality;
            }
            else if (value.Value.Equals("gzip", StringComparison.OrdinalIgnoreCase) || value.Value.Equals("x-gzip", StringComparison.OrdinalIgnoreCase))
            {
                gzip = quality;
            }
            else if (value.Value.Equals("identity", StringComparison.OrdinalIgnoreCase))
            {
                identity = quality;
            }
            else if (value.Value.Equals("*", StringComparison.Ordinal))
            {
                others = quality;
            }
        }

        return new AcceptedEncodings(AtLeastAsGoodAsPlain(brotli), AtLeastAsGoodAsPlain(gzip));

        double AtLeastAsGoodAsPlain(double? quality) => (quality ?? others ?? 0) is var value && value >= (identity ?? 0) ? value : 0;
    }
}
