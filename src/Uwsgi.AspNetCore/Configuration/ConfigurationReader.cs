using System.Globalization;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Configuration;

namespace Uwsgi.AspNetCore.Configuration;

/// <summary>Reads the keys of one section, and collects what cannot be read or is not known.</summary>
internal sealed class ConfigurationReader(IConfigurationSection section, List<string> errors)
{
    private static readonly char[] ListSeparators = [';', ','];

    private readonly HashSet<string> _known = new(StringComparer.OrdinalIgnoreCase);

    private delegate bool Parser<T>(string text, out T value);

    /// <summary>Gets the section's own text; null when it has none, or keys below it.</summary>
    public string? Value => section.Value;

    public ConfigurationReader Section(string key)
    {
        var below = Get(key);
        RefuseText(below);
        return new ConfigurationReader(below, errors);
    }

    public bool IsText(string key) => Get(key).Value is not null;

    public void Text(string key, Action<string> set)
    {
        var item = Get(key);
        if (item.Value is { } text)
        {
            set(text);
        }
        else
        {
            RefuseKeys(item, "a text");
        }
    }

    public void Integer(string key, Action<int> set) => Parse(key, "a whole number", TryParseInteger, set);

    public void Boolean(string key, Action<bool> set) => Parse(key, "true or false", bool.TryParse, set);

    public void Duration(string key, Action<TimeSpan> set) =>
        Parse(key, "a duration: seconds, or hh:mm:ss", TryParseDuration, set);

    public void Enumeration<TEnum>(string key, Action<TEnum> set)
        where TEnum : struct, Enum =>
        Parse(key, "one of " + string.Join(", ", Enum.GetNames<TEnum>()), TryParseName, set);

    /// <summary>A number, or an empty value for "no limit".</summary>
    public void OptionalLong(string key, Action<long?> set)
    {
        if (Get(key).Value is { Length: 0 })
        {
            set(null);
            return;
        }

        Parse<long>(key, "a whole number, or empty for no limit", TryParseLong, value => set(value));
    }

    public void List(string key, Action<string> add)
    {
        if (Get(key).Value is not { } text)
        {
            Lines(key, add);
            return;
        }

        foreach (var item in text.Split(ListSeparators, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            add(item);
        }
    }

    /// <summary>A list whose items may hold the separators of one: a single text is its only item.</summary>
    public void Lines(string key, Action<string> add)
    {
        var list = Get(key);
        if (list.Value is { } text)
        {
            add(text);
            return;
        }

        foreach (var child in list.GetChildren())
        {
            if (child.Value is { } item)
            {
                add(item);
            }
            else
            {
                RefuseKeys(child, "a text");
            }
        }
    }

    public void Dictionary(string key, Action<string, ConfigurationReader> add)
    {
        var items = Get(key);
        RefuseText(items);
        foreach (var child in items.GetChildren())
        {
            add(child.Key, new ConfigurationReader(child, errors));
        }
    }

    public void TextDictionary(string key, IDictionary<string, string> items)
    {
        var texts = Section(key);
        foreach (var child in Get(key).GetChildren())
        {
            texts.Text(child.Key, value => items[child.Key] = value);
        }
    }

    public void DurationDictionary(string key, IDictionary<string, TimeSpan> items)
    {
        var durations = Section(key);
        foreach (var child in Get(key).GetChildren())
        {
            durations.Duration(child.Key, value => items[child.Key] = value);
        }
    }

    public void IntegerList(string key, Action<int> add)
    {
        List(key, item =>
        {
            if (TryParseInteger(item, out var value))
            {
                add(value);
            }
            else
            {
                errors.Add($"{section.Path}:{key}: '{item}' is not a whole number.");
            }
        });
    }

    public void DataRate(string key, Action<MinDataRate> set)
    {
        var rate = Get(key);
        if (!rate.Exists())
        {
            return;
        }

        double? bytesPerSecond = null;
        TimeSpan? grace = null;
        var reader = new ConfigurationReader(rate, errors);
        reader.Parse<double>("BytesPerSecond", "a number", TryParseDouble, value => bytesPerSecond = value);
        reader.Duration("GracePeriod", value => grace = value);
        reader.ReportUnknownKeys();
        if (bytesPerSecond is > 0 && grace > TimeSpan.FromSeconds(1))
        {
            set(new MinDataRate(bytesPerSecond.Value, grace.Value));
        }
        else
        {
            errors.Add($"{rate.Path}: '{Describe(rate)}' is no rate; it needs BytesPerSecond above 0 and a GracePeriod above 1 second.");
        }
    }

    /// <summary>Reports every key that nobody has asked for.</summary>
    public void ReportUnknownKeys()
    {
        foreach (var child in section.GetChildren())
        {
            if (!_known.Contains(child.Key))
            {
                var nearest = _known.MinBy(known => EditDistance.Between(known, child.Key));
                errors.Add($"{child.Path}: there is no such option; did you mean {section.Path}:{nearest}?");
            }
        }
    }

    private IConfigurationSection Get(string key)
    {
        _known.Add(key);
        return section.GetSection(key);
    }

    private void Parse<T>(string key, string expected, Parser<T> parse, Action<T> set)
    {
        var item = Get(key);
        if (item.Value is not { } text)
        {
            RefuseKeys(item, expected);
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

    private void RefuseText(IConfigurationSection item)
    {
        // An empty object or array may come as an empty text.
        if (item.Value is { Length: > 0 } text)
        {
            errors.Add($"{item.Path}: '{text}' is not an object with keys of its own.");
        }
    }

    private void RefuseKeys(IConfigurationSection item, string expected)
    {
        if (item.GetChildren().Any())
        {
            errors.Add($"{item.Path}: '{Describe(item)}' is not {expected}.");
        }
    }

    private static string Describe(IConfigurationSection item) =>
        item.Value ?? string.Join(", ", item.GetChildren().Select(static child => $"{child.Key}={child.Value}"));

    private static bool TryParseInteger(string text, out int value) =>
        int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

    private static bool TryParseLong(string text, out long value) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);

    private static bool TryParseDouble(string text, out double value) =>
        double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out value);

    private static bool TryParseName<TEnum>(string text, out TEnum value)
        where TEnum : struct, Enum =>
        Enum.TryParse(text.Replace("-", string.Empty, StringComparison.Ordinal), ignoreCase: true, out value) && Enum.IsDefined(value) && !char.IsAsciiDigit(text[0]);

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
