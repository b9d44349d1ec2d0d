using System.Collections;
using Microsoft.AspNetCore.Http.Features;

namespace Uwsgi.AspNetCore.Benchmarks.InMemory;

/// <summary>A feature collection that can be emptied without leaving garbage.</summary>
internal sealed class ReusableFeatureCollection : IFeatureCollection
{
    private readonly List<KeyValuePair<Type, object>> _features = new(16);

    public bool IsReadOnly => false;

    public int Revision { get; private set; }

    public object? this[Type key]
    {
        get => IndexOf(key) is >= 0 and var index ? _features[index].Value : null;
        set
        {
            Revision++;
            var index = IndexOf(key);
            if (index >= 0)
            {
                _features.RemoveAt(index);
            }

            if (value is not null)
            {
                _features.Add(new(key, value));
            }
        }
    }

    public TFeature? Get<TFeature>() => (TFeature?)this[typeof(TFeature)];

    public void Set<TFeature>(TFeature? instance) => this[typeof(TFeature)] = instance;

    public void Clear()
    {
        Revision++;
        _features.Clear();
    }

    public IEnumerator<KeyValuePair<Type, object>> GetEnumerator() => _features.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    private int IndexOf(Type key)
    {
        for (var i = 0; i < _features.Count; i++)
        {
            if (_features[i].Key == key)
            {
                return i;
            }
        }

        return -1;
    }
}
