using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace Uwsgi.AspNetCore.Configuration;

/// <summary>Reads the section "Uwsgi" into the options.</summary>
/// <remarks>
/// Written out instead of bound by the framework's binder for three reasons: a list may be one string, a number may mean seconds, and a
/// value that cannot be read is reported together with every other mistake instead of ending the start at the first.
/// </remarks>
internal sealed class UwsgiConfigurationBinder(IConfiguration configuration) : IConfigureOptions<UwsgiOptions>
{
    public const string SectionName = "Uwsgi";

    private static readonly char[] ListSeparators = [';', ','];

    public void Configure(UwsgiOptions options)
    {
        var section = new Reader(configuration.GetSection(SectionName), options.ConfigurationErrors);
        section.List(nameof(options.Sockets), options.Sockets.Add);
        section.List(nameof(options.FastCgiSockets), options.FastCgiSockets.Add);
        section.List(nameof(options.ScgiSockets), options.ScgiSockets.Add);
        section.List(nameof(options.AutoSockets), options.AutoSockets.Add);
        section.Text(nameof(options.SocketMode), value => options.SocketMode = value);
        section.Text(nameof(options.SocketOwner), value => options.SocketOwner = value);
        section.Text(nameof(options.SocketGroup), value => options.SocketGroup = value);
        section.Integer(nameof(options.Backlog), value => options.Backlog = value);
        section.Boolean(nameof(options.Vacuum), value => options.Vacuum = value);
        section.List(nameof(options.AllowFrom), options.AllowFrom.Add);
        section.Integer(nameof(options.BufferSize), value => options.BufferSize = value);
        section.Enumeration<ScriptNameMode>(nameof(options.ScriptName), value => options.ScriptName = value);
        section.Text(nameof(options.PathBase), value => options.PathBase = value.Length == 0 ? null : value);
        section.Boolean(nameof(options.PreserveEncodedSlashes), value => options.PreserveEncodedSlashes = value);
        section.IntegerList(nameof(options.Modifiers), options.Modifiers.Add);
        section.Boolean(nameof(options.AllowUpgrade), value => options.AllowUpgrade = value);
        section.Boolean(nameof(options.AllowFastCgiUpgrade), value => options.AllowFastCgiUpgrade = value);
        section.Boolean(nameof(options.MultiplexFastCgi), value => options.MultiplexFastCgi = value);
        section.Boolean(nameof(options.AllowSynchronousIO), value => options.AllowSynchronousIO = value);
        section.Boolean(nameof(options.AddServerHeader), value => options.AddServerHeader = value);
        section.Boolean(nameof(options.AddDateHeader), value => options.AddDateHeader = value);
        section.Boolean(nameof(options.AbortOnHalfClose), value => options.AbortOnHalfClose = value);
        section.Boolean(nameof(options.ForwardClientCertificate), value => options.ForwardClientCertificate = value);
        section.Boolean(nameof(options.ForwardRemoteUser), value => options.ForwardRemoteUser = value);
        section.Boolean(nameof(options.SendAccelBuffering), value => options.SendAccelBuffering = value);
        section.Boolean(nameof(options.PoolRequests), value => options.PoolRequests = value);
        BindLimits(options.Limits, section.Section(nameof(options.Limits)));
    }

    private static void BindLimits(UwsgiLimits limits, Reader section)
    {
        section.OptionalLong(nameof(limits.MaxRequestBodySize), value => limits.MaxRequestBodySize = value);
        section.Duration(nameof(limits.RequestHeadersTimeout), value => limits.RequestHeadersTimeout = value);
        section.Duration(nameof(limits.RequestBodyTimeout), value => limits.RequestBodyTimeout = value);
        section.DataRate(nameof(limits.MinRequestBodyDataRate), value => limits.MinRequestBodyDataRate = value);
        section.DataRate(nameof(limits.MinResponseDataRate), value => limits.MinResponseDataRate = value);
        section.OptionalLong(nameof(limits.MaxDrainBytes), value => limits.MaxDrainBytes = value);
        section.Duration(nameof(limits.DrainTimeout), value => limits.DrainTimeout = value);
        section.OptionalLong(nameof(limits.MaxConcurrentConnections), value => limits.MaxConcurrentConnections = value);
        section.OptionalLong(nameof(limits.MaxConcurrentUpgradedConnections), value => limits.MaxConcurrentUpgradedConnections = value);
        section.Integer(nameof(limits.MaxRequestHeaderCount), value => limits.MaxRequestHeaderCount = value);
        section.Duration(nameof(limits.KeepAliveTimeout), value => limits.KeepAliveTimeout = value);
        section.Integer(nameof(limits.MaxRequestsPerConnection), value => limits.MaxRequestsPerConnection = value);
        section.Integer(nameof(limits.MaxHalfOpenRequests), value => limits.MaxHalfOpenRequests = value);
        section.Duration(nameof(limits.StalledBodyTimeout), value => limits.StalledBodyTimeout = value);
    }

    private delegate bool Parser<T>(string text, out T value);

    private readonly struct Reader(IConfigurationSection section, List<string> errors)
    {
        public Reader Section(string key) => new(section.GetSection(key), errors);

        public void Text(string key, Action<string> set)
        {
            if (section[key] is { } text)
            {
                set(text);
            }
        }

        public void Integer(string key, Action<int> set) => Value(key, "a whole number", TryParseInteger, set);

        public void Boolean(string key, Action<bool> set) => Value(key, "true or false", bool.TryParse, set);

        public void Duration(string key, Action<TimeSpan> set) =>
            Value(key, "a duration: seconds, or hh:mm:ss", TryParseDuration, set);

        public void Enumeration<TEnum>(string key, Action<TEnum> set)
            where TEnum : struct, Enum =>
            Value(key, "one of " + string.Join(", ", Enum.GetNames<TEnum>()), TryParseName, set);

        /// <summary>A number, or an empty value for "no limit".</summary>
        public void OptionalLong(string key, Action<long?> set)
        {
            if (section[key] is { Length: 0 })
            {
                set(null);
                return;
            }

            Value<long>(key, "a whole number, or empty for no limit", TryParseLong, value => set(value));
        }

        public void List(string key, Action<string> add)
        {
            var list = section.GetSection(key);
            var items = list.Value is { } text
                ? text.Split(ListSeparators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
                : list.GetChildren().Select(static child => child.Value).OfType<string>();
            foreach (var item in items)
            {
                add(item);
            }
        }

        public void IntegerList(string key, Action<int> add)
        {
            // Readers are structs, so that their members cannot be captured directly.
            var (path, mistakes) = ($"{section.Path}:{key}", errors);
            List(key, item =>
            {
                if (TryParseInteger(item, out var value))
                {
                    add(value);
                }
                else
                {
                    mistakes.Add($"{path}: '{item}' is not a whole number.");
                }
            });
        }

        public void DataRate(string key, Action<MinDataRate> set)
        {
            var rate = section.GetSection(key);
            if (!rate.Exists())
            {
                return;
            }

            double? bytesPerSecond = null;
            TimeSpan? grace = null;
            var reader = new Reader(rate, errors);
            reader.Value<double>("BytesPerSecond", "a number", TryParseDouble, value => bytesPerSecond = value);
            reader.Duration("GracePeriod", value => grace = value);
            if (bytesPerSecond is > 0 && grace > TimeSpan.FromSeconds(1))
            {
                set(new MinDataRate(bytesPerSecond.Value, grace.Value));
            }
            else
            {
                errors.Add($"{rate.Path}: needs BytesPerSecond above 0 and a GracePeriod above 1 second.");
            }
        }

        private void Value<T>(string key, string expected, Parser<T> parse, Action<T> set)
        {
            if (section[key] is not { } text)
            {
                return;
            }

            if (parse(text, out var value))
            {
                set(value);
            }
            else
            {
                errors.Add($"{section.Path}:{key}: '{text}' is not {expected}.");
            }
        }

        private static bool TryParseInteger(string text, out int value) =>
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

        private static bool TryParseLong(string text, out long value) =>
            long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

        private static bool TryParseDouble(string text, out double value) =>
            double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);

        private static bool TryParseName<TEnum>(string text, out TEnum value)
            where TEnum : struct, Enum =>
            Enum.TryParse(text, ignoreCase: true, out value) && Enum.IsDefined(value) && !char.IsAsciiDigit(text[0]);

        private static bool TryParseDuration(string text, out TimeSpan value)
        {
            if (TryParseDouble(text, out var seconds) && Math.Abs(seconds) < TimeSpan.MaxValue.TotalSeconds)
            {
                value = TimeSpan.FromSeconds(seconds);
                return true;
            }

            return TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out value);
        }
    }
}
