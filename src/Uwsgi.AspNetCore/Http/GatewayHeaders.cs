using System.Collections;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace Uwsgi.AspNetCore.Http;

/// <summary>
/// A header collection over a small array in order of arrival. Messages have few headers, most look-ups use the framework's own
/// string instances, and a scan of references beats hashing at that size.
/// </summary>
internal abstract class GatewayHeaders : IHeaderDictionary
{
    private Entry[] _entries = new Entry[24];
    private int _count;
    private long? _contentLength;

    // The text of the last length: responses of one size are common, and headers are text.
    private long _lastLength = -1;
    private string? _lastLengthText;

    public int Count => _count;

    public abstract bool IsReadOnly { get; }

    public ICollection<string> Keys => [.. Enumerate().Select(static pair => pair.Key)];

    public ICollection<StringValues> Values => [.. Enumerate().Select(static pair => pair.Value)];

    public long? ContentLength
    {
        get => _contentLength;
        set
        {
            if (value is < 0)
            {
                throw new ArgumentOutOfRangeException(nameof(value), value, "Content-Length cannot be negative.");
            }

            if (value is not { } length)
            {
                Remove(HeaderNames.ContentLength);
                return;
            }

            ThrowIfReadOnly();
            SetUnchecked(HeaderNames.ContentLength, FormatLength(length));
            _contentLength = length;
        }
    }

    /// <summary>Gets a header, empty when it is missing; setting it to an empty value removes it.</summary>
    public StringValues this[string key]
    {
        get => TryGetValue(key, out var value) ? value : StringValues.Empty;
        set
        {
            ThrowIfReadOnly();
            ArgumentNullException.ThrowIfNull(key);
            if (value.Count == 0)
            {
                Remove(key);
                return;
            }

            Validate(key, value);
            var contentLength = IsContentLength(key) ? ParseContentLength(value) : _contentLength;
            SetUnchecked(key, value);
            _contentLength = contentLength;
        }
    }

    StringValues IDictionary<string, StringValues>.this[string key]
    {
        get => TryGetValue(key, out var value) ? value : throw new KeyNotFoundException($"The header '{key}' is not present.");
        set => this[key] = value;
    }

    public void Add(string key, StringValues value)
    {
        ThrowIfReadOnly();
        if (ContainsKey(key))
        {
            throw new ArgumentException($"The header '{key}' was added already.", nameof(key));
        }

        this[key] = value;
    }

    public void Add(KeyValuePair<string, StringValues> item) => Add(item.Key, item.Value);

    public void Clear()
    {
        ThrowIfReadOnly();
        ClearCore();
    }

    public bool Contains(KeyValuePair<string, StringValues> item) =>
        TryGetValue(item.Key, out var value) && value.Equals(item.Value);

    public bool ContainsKey(string key) => Find(key) >= 0;

    public void CopyTo(KeyValuePair<string, StringValues>[] array, int arrayIndex)
    {
        ArgumentNullException.ThrowIfNull(array);
        foreach (var pair in Enumerate())
        {
            array[arrayIndex++] = pair;
        }
    }

    public bool Remove(string key)
    {
        ThrowIfReadOnly();
        var index = Find(key);
        if (index < 0)
        {
            return false;
        }

        Array.Copy(_entries, index + 1, _entries, index, --_count - index);
        _entries[_count] = default;
        if (IsContentLength(key))
        {
            _contentLength = null;
        }

        return true;
    }

    public bool Remove(KeyValuePair<string, StringValues> item) => Contains(item) && Remove(item.Key);

    public bool TryGetValue(string key, [MaybeNullWhen(false)] out StringValues value)
    {
        var index = Find(key);
        if (index < 0)
        {
            value = StringValues.Empty;
            return false;
        }

        value = GetValue(index);
        return true;
    }

    public IEnumerator<KeyValuePair<string, StringValues>> GetEnumerator() => Enumerate().GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Gets the name at a position, for serializers that must not allocate.</summary>
    public string GetName(int index) => _entries[index].Name;

    /// <summary>Gets the value at a position, decoding it when that was put off.</summary>
    public StringValues GetValue(int index)
    {
        ref var entry = ref _entries[index];
        if (entry.Source >= 0)
        {
            entry.Value = Decode(entry.Name, entry.Source);
            entry.Source = -1;
        }

        return entry.Value;
    }

    /// <summary>Sets a header, other than the length, whose name and value need no check.</summary>
    public void SetUnchecked(string key, StringValues value)
    {
        var index = Find(key);
        SetRaw(index < 0 ? AddSlot(key) : index, value);
    }

    /// <summary>Finds a header's position by its very name, or -1.</summary>
    protected int FindReference(string key)
    {
        var entries = _entries.AsSpan(0, _count);
        for (var i = 0; i < entries.Length; i++)
        {
            if (ReferenceEquals(entries[i].Name, key))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Finds a header's position, or -1.</summary>
    protected int Find(string key)
    {
        if (FindReference(key) is var index and >= 0)
        {
            return index;
        }

        var entries = _entries.AsSpan(0, _count);
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i].Name.Length == key.Length && string.Equals(entries[i].Name, key, StringComparison.OrdinalIgnoreCase))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>Adds a header whose value is decoded when somebody asks.</summary>
    protected void AddLazy(string name, int source)
    {
        // The slot first: making it may replace the array.
        var index = AddSlot(name);
        _entries[index].Source = source;
    }

    /// <summary>Sets a value past every check, while a message is being read.</summary>
    protected void SetRaw(int index, StringValues value)
    {
        _entries[index].Value = value;
        _entries[index].Source = -1;
    }

    protected string FormatLength(long length)
    {
        if (length != _lastLength || _lastLengthText is null)
        {
            _lastLengthText = HeaderUtilities.FormatNonNegativeInt64(length);
            _lastLength = length;
        }

        return _lastLengthText;
    }

    protected void ClearCore()
    {
        Array.Clear(_entries, 0, _count);
        _count = 0;
        _contentLength = null;
        if (_entries.Length > 128)
        {
            _entries = new Entry[24];
        }
    }

    protected virtual void Validate(string key, StringValues value)
    {
    }

    protected virtual StringValues Decode(string name, int source) => StringValues.Empty;

    private static bool IsContentLength(string key) =>
        ReferenceEquals(key, HeaderNames.ContentLength) || string.Equals(key, HeaderNames.ContentLength, StringComparison.OrdinalIgnoreCase);

    private static long ParseContentLength(StringValues value) =>
        HeaderUtilities.TryParseNonNegativeInt64(value.ToString(), out var length)
            ? length
            : throw new InvalidOperationException($"Invalid Content-Length: \"{value}\". Value must be a non-negative integer.");

    private int AddSlot(string name)
    {
        if (_count == _entries.Length)
        {
            Array.Resize(ref _entries, _count * 2);
        }

        _entries[_count] = new Entry { Name = name, Source = -1 };
        return _count++;
    }

    private void ThrowIfReadOnly()
    {
        if (IsReadOnly)
        {
            throw new InvalidOperationException("Headers are read-only, response has already started.");
        }
    }

    private IEnumerable<KeyValuePair<string, StringValues>> Enumerate()
    {
        for (var i = 0; i < _count; i++)
        {
            yield return new(_entries[i].Name, GetValue(i));
        }
    }

    [StructLayout(LayoutKind.Auto)]
    private struct Entry
    {
        public string Name;
        public StringValues Value;
        public int Source;
    }
}
