using System.Collections;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Http;

internal partial class GatewayRequest : IFeatureCollection
{
    private readonly object?[] _slots = new object?[FeatureSlots.Count];
    private List<KeyValuePair<Type, object>>? _extraFeatures;
    private int _revision;
    private bool _areOwnReplaced = true;

    bool IFeatureCollection.IsReadOnly => false;

    int IFeatureCollection.Revision => _revision;

    object? IFeatureCollection.this[Type key]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(key);
            return GetFeature(FeatureSlots.IndexOf(key), key);
        }

        set
        {
            ArgumentNullException.ThrowIfNull(key);
            SetFeature(FeatureSlots.IndexOf(key), key, value);
        }
    }

    TFeature? IFeatureCollection.Get<TFeature>()
        where TFeature : default
    {
        var index = FeatureSlot<TFeature>.Index;
        return index >= 0 && _slots[index] is { } feature
            ? (TFeature)feature
            : (TFeature?)GetFeature(index, typeof(TFeature));
    }

    void IFeatureCollection.Set<TFeature>(TFeature? instance)
        where TFeature : default => SetFeature(FeatureSlot<TFeature>.Index, typeof(TFeature), instance);

    IEnumerator<KeyValuePair<Type, object>> IEnumerable<KeyValuePair<Type, object>>.GetEnumerator()
    {
        for (var i = 0; i < _slots.Length; i++)
        {
            if (_slots[i] is { } feature)
            {
                yield return new(FeatureSlots.GetType(i), feature);
            }
        }

        foreach (var extra in _extraFeatures ?? [])
        {
            yield return extra;
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => ((IEnumerable<KeyValuePair<Type, object>>)this).GetEnumerator();

    private object? GetFeature(int index, Type type)
    {
        if (index >= 0 && _slots[index] is { } feature)
        {
            return feature;
        }

        if (index < 0 && _extraFeatures is { } extras)
        {
            foreach (var extra in extras)
            {
                if (extra.Key == type)
                {
                    return extra.Value;
                }
            }
        }

        if (_exchange?.CreateFeature(type) is { } created)
        {
            SetFeature(index, type, created);
            return created;
        }

        // TLS on the endpoint, the socket, connection items and the like are visible on requests, as on Kestrel's.
        return _exchange?.Connection.Features[type];
    }

    private void SetFeature(int index, Type type, object? feature)
    {
        _revision++;
        if (index >= 0)
        {
            _areOwnReplaced |= index < FeatureSlots.OwnCount;
            _slots[index] = feature;
            return;
        }

        _extraFeatures ??= new(4);
        for (var i = _extraFeatures.Count - 1; i >= 0; i--)
        {
            if (_extraFeatures[i].Key == type)
            {
                _extraFeatures.RemoveAt(i);
            }
        }

        if (feature is not null)
        {
            _extraFeatures.Add(new(type, feature));
        }
    }

    private void ResetFeatures()
    {
        if (_areOwnReplaced)
        {
            Array.Fill(_slots, this, 0, FeatureSlots.OwnCount);
            _areOwnReplaced = false;
        }

        Array.Clear(_slots, FeatureSlots.OwnCount, FeatureSlots.Count - FeatureSlots.OwnCount);
        _extraFeatures?.Clear();
        _revision++;
    }
}
